"""Steers a campaign in Chromium, for `tests/tests/all/page/steered.rs`.

    target/page/bin/python tests/page/steer.py PROGRAM FOLDER SEEDS PICTURES

Begins a campaign whose proposals wait for a person, and does by mouse what the test then does by
`beacon ctl`. In the middle it kills the program with the page open, resumes, and waits for the page to
find the campaign again. Prints a line of JSON.
"""

import json
import re
import signal
import sys
from pathlib import Path

from browser import (
    PATIENCE, TEXTS, at, drag, given, heard, listen, maps, open_browser, overlaps, pictures, settle, start, waits_after, watched,
)
from playwright.sync_api import sync_playwright

PROGRAM, FOLDER, SEEDS, PICTURES = sys.argv[1], Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])


SHOWN = """after => ['mean', 'sigma', 'map_mean', 'map_sigma'].every(name =>
    document.querySelector(`#maps figure[data-map=${name}]:not([hidden]) figcaption`)?.textContent.includes(after))"""


def captions(page):
    """What each map says of itself, but for the truth, which is of no moment."""
    return page.evaluate(
        "Object.fromEntries([...document.querySelectorAll('#maps figure:not([hidden])')]"
        ".filter(one => !['truth', 'distance'].includes(one.dataset.map))"
        ".map(one => [one.dataset.map, one.querySelector('figcaption').textContent.replace(/; here.*/, '')]))"
    )


def beginning():
    return (
        "run --microscope specimen --budget 18 --approve --drift 1 --drift-every 10 --seed 8 --retrain-every 1 --page"
    ).split() + ["--seeds-from", SEEDS, "--out", str(FOLDER)]


def main():
    PICTURES.mkdir(parents=True, exist_ok=True)
    program, link, watch = start(PROGRAM, *beginning())
    said = {}
    with sync_playwright() as playwright:
        browser = open_browser(playwright)
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        page.add_init_script(TEXTS)
        foreign, errors = watched(page, link)
        waits_after(page, 10)
        listen(page)

        # Whoever pauses is not asked for a name, and with the next command once.
        page.click("#pause")
        given(page, "pause")
        page.click("#pause")
        settle(page, "() => document.querySelector('#said').textContent.includes('is not sent yet')")
        page.fill("#name", "Ada")
        page.press("#name", "Enter")
        given(page, "resume")
        waits_after(page, 10)

        page.click("#accept")
        waits_after(page, 11)

        page.check("input[value=exclude]")
        drag(page, "#map", (0.2, 0.2), (0.4, 0.3))
        given(page, "exclude")
        # A stroke of the brush, which is taken back rectangle by rectangle, and another that stays.
        page.select_option("#shape", "brush")
        for begin, end in [((0.5, 0.15), (0.7, 0.25)), ((0.1, 0.8), (0.3, 0.9))]:
            drag(page, "#map", begin, end)
            given(page, "rectangles")
            if begin[0] == 0.5:
                page.click("#history li:first-child button")
                given(page, "include")
        page.check("input[value=measure]")
        waits_after(page, 11)
        page.mouse.click(*at(page, "#map", 0.7, 0.61))
        waits_after(page, 12)
        said["clicked"] = page.locator("#history li span").first.inner_text()

        # A line of the table, which is seen and let go.
        page.click("#lines button:text-is('Au-Ma')")
        settle(page, "() => document.querySelector('#spectrum-note').textContent.includes('The map shows line:')")
        said["pressed"] = page.locator("#lines button[aria-pressed=true]").all_inner_texts()
        page.click("#drop-target")

        # Enter shows what is typed.
        page.fill("#target", "sum")
        page.press("#target", "Enter")
        settle(page, "() => document.querySelector('#spectrum-note').textContent.includes('The map shows sum')")
        page.click("#drop-target")

        # Another window, whose map is seen before it is the target.
        drag(page, "#spectrum", (0.3, 0.5), (0.45, 0.5))
        settle(page, "() => document.querySelector('#spectrum-note').textContent.includes('The map shows window:')")
        page.screenshot(path=str(PICTURES / "trial.png"))
        settle(page, SHOWN, "after 12 points")
        before_target = captions(page)
        page.click("#set-target")
        given(page, "target")
        waits_after(page, 12)

        # What the maps say of this moment, once all are of it and of the new target.
        settle(page, SHOWN, "after 12 points")
        for name in ["mean", "sigma", "score"]:
            settle(
                page,
                "([name, before]) => document.querySelector(`#maps figure[data-map=${name}] figcaption`)"
                ".textContent.split(';')[0] !== before",
                [name, before_target[name]],
            )
        said["then"] = captions(page)
        moment = int(page.evaluate("document.body.dataset.records")) - 1

        # The campaign dies with the page open, and the page finds it again.
        program.send_signal(signal.SIGKILL)
        program.wait()
        settle(page, "() => document.querySelector('#state').textContent.includes('trying again')")
        page.screenshot(path=str(PICTURES / "lost.png"))
        program, again, _ = start(PROGRAM, "resume", str(FOLDER), "--page")
        said["same_link"] = again == link
        waits_after(page, 12)

        page.click("#accept")
        waits_after(page, 13)
        page.check("input[value=look]")
        # The last point that was measured is discarded.
        row, column = last_point(page)
        size = page.evaluate("document.querySelector('#map').style.aspectRatio.split('/').map(Number)")
        page.mouse.click(*at(page, "#map", (column + 0.5) / size[0], (row + 0.5) / size[1]))
        # What was said of the pixel before stands until the page is drawn again.
        settle(page, "() => document.querySelector('#measure-why').textContent.includes('point 13')")
        said["unmeasurable"] = page.locator("#measure-why").inner_text()
        page.click("#discard")
        given(page, "discard")
        waits_after(page, 13)
        # It counts again, and then it does not.
        page.click("#restore")
        given(page, "restore")
        waits_after(page, 13)
        page.click("#discard")
        given(page, "discard")
        waits_after(page, 13)
        # Another proposal comes in the place of one that is rejected.
        rejected = page.get_attribute("#proposal", "data-at")
        page.click("#reject")
        given(page, f"reject {rejected}")
        waits_after(page, 13)
        said["rejected"] = [rejected, page.get_attribute("#proposal", "data-at")]
        # A pixel that somebody wants, and then does not.
        page.click("#pause")
        given(page, "pause")
        settle(page, "() => document.querySelector('#state').textContent === 'paused'")
        page.check("input[value=measure]")
        page.mouse.click(*at(page, "#map", 0.55, 0.7))
        given(page, "suggest")
        page.click("#history li:first-child button")
        given(page, "withdraw")
        page.click("#pause")
        given(page, "resume")
        waits_after(page, 13)
        page.check("input[value=look]")
        said["time_left"] = page.locator("#facts").inner_text()
        page.fill("#dwell", "4")
        page.press("#dwell", "Enter")
        given(page, "dwell 4")
        page.click("#accept")
        waits_after(page, 14)
        said["shapes"] = page.locator("#shapes-note").inner_text()

        wanted = ["mean", "sigma", "score", "distance", "truth", "map_mean", "map_sigma", "plane"]
        settle(
            page,
            "wanted => wanted.every(name => !document.querySelector(`#maps figure[data-map=${name}]`).hidden)",
            wanted,
        )
        said["maps"] = maps(page)
        # One cursor on all of them: what lies under it is told below each.
        page.mouse.move(*at(page, "#maps figure[data-map=plane] canvas", 0.5, 0.5))
        settle(page, "() => document.querySelectorAll('#maps figcaption').length && "
               "[...document.querySelectorAll('#maps figure:not([data-map=plane]) figcaption')].every(one => one.textContent.includes('here'))")
        said["overlaps"] = overlaps(page)
        said["axe"] = pictures(page, PICTURES, "light")
        page.click("#theme")
        said["axe"] += pictures(page, PICTURES, "dark")

        # A link that watches has no say.
        other = browser.new_page()
        other.set_default_timeout(PATIENCE)
        other.goto(watch)
        settle(other, "() => document.querySelector('#facts').innerText.includes('14 of')")
        other.click("#stop", force=True)
        said["watcher"] = other.locator("#said").inner_text()

        # The past: before the first command.
        page.locator("#slider").fill("20")
        settle(page, "() => document.querySelector('#when').textContent.startsWith('the past: record 20')")
        said["past"] = page.locator("#when").inner_text()
        # And at the moment of before, whose maps say the same again.
        page.locator("#slider").fill(str(moment))
        settle(page, SHOWN, "after 12 points")
        said["again"] = captions(page)
        page.screenshot(path=str(PICTURES / "past.png"), full_page=True)
        page.click("#live")

        page.click("#stop")
        program.wait(timeout=120)
        # What was seen stays.
        settle(page, "() => document.querySelector('#state').textContent.includes('The program is over')")
        said["state"] = page.locator("#state").inner_text()
        said["undo"] = page.locator("#history button").count()
        said["curves"] = page.locator("#curves").inner_text()
        # Before the program was killed and after it.
        said["arrived"], said["kept"] = heard(page)
        said["status"] = program.returncode
        said["foreign"], said["errors"] = foreign, errors
        browser.close()
    print(json.dumps(said))


def last_point(page):
    """Row and column of the last point, as the list of events names it."""
    for line in page.locator("#latest li span").all_inner_texts():
        measured = re.fullmatch(r"measured row (\d+), column (\d+)", line)
        if measured:
            return int(measured[1]), int(measured[2])
    raise SystemExit("no point is listed")


if __name__ == "__main__":
    main()
