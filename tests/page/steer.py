"""Steers a campaign in Chromium, for `tests/tests/all/page/steered.rs`.

    target/page/bin/python tests/page/steer.py PROGRAM FOLDER SEEDS PICTURES

Begins a campaign whose proposals wait for a person, and does by mouse what the test then does by
`beacon ctl`. In the middle it kills the program with the page open, resumes, and waits for the page to
find the campaign again. Prints a line of JSON.
"""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import axe_playwright_python
from playwright.sync_api import sync_playwright

PROGRAM, FOLDER, SEEDS, PICTURES = sys.argv[1], Path(sys.argv[2]), sys.argv[3], Path(sys.argv[4])
PATIENCE = 120_000


def start(*arguments):
    """The program, and the link to its page that controls."""
    program = subprocess.Popen([PROGRAM, *arguments], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    first = program.stderr.readline()
    link = re.fullmatch(r"control (http://\S+)\n", first)
    if not link:
        raise SystemExit(f"the program says first: {first}{program.stderr.read()}")
    return program, link[1], program.stderr.readline().split()[1]


def beginning():
    return (
        "run --microscope specimen --budget 18 --approve --drift 1 --drift-every 10 --seed 8 --retrain-every 1 --page"
    ).split() + ["--seeds-from", SEEDS, "--out", str(FOLDER)]


def settle(page, what, argument=None):
    page.wait_for_function(what, arg=argument, timeout=PATIENCE)


def waits_after(page, points):
    """Until a proposal waits, after so many points."""
    settle(
        page,
        "n => !document.querySelector('#proposal').hidden && document.querySelector('#facts').innerText.includes(`${n} of`)"
        " && document.querySelector('#state').textContent === 'waiting for approval'",
        points,
    )


def given(page, words):
    """Until the page lists a command as taken."""
    settle(page, "w => document.querySelector('#history li span')?.textContent.includes(w)", words)


def at(page, selector, across, down):
    """A place on an element, in fractions of it, as it lies on the screen."""
    element = page.locator(selector)
    element.scroll_into_view_if_needed()
    box = element.bounding_box()
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def drag(page, selector, begin, end):
    page.mouse.move(*at(page, selector, *begin))
    page.mouse.down()
    page.mouse.move(*at(page, selector, *[(a + b) / 2 for a, b in zip(begin, end)]))
    page.mouse.move(*at(page, selector, *end))
    page.mouse.up()


def picture(page, name, width, height=1000):
    page.set_viewport_size({"width": width, "height": height})
    page.wait_for_timeout(300)
    page.screenshot(path=str(PICTURES / f"{name}-{width}.png"), full_page=True)


def main():
    PICTURES.mkdir(parents=True, exist_ok=True)
    program, link, watch = start(*beginning())
    said = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
        )
        page = browser.new_page(viewport={"width": 1400, "height": 1000})
        foreign, errors = [], []
        page.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(link.split("/#")[0]) and not request.url.startswith("data:") else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(link)
        waits_after(page, 10)

        # The first command asks for a name, once.
        page.click("#pause")
        page.fill("#name", "Ada")
        page.press("#name", "Enter")
        given(page, "pause")
        page.click("#pause")
        given(page, "resume")
        waits_after(page, 10)

        page.click("#accept")
        waits_after(page, 11)

        page.check("input[value=exclude]")
        drag(page, "#map", (0.2, 0.2), (0.4, 0.3))
        given(page, "exclude")
        page.check("input[value=measure]")
        waits_after(page, 11)
        page.mouse.click(*at(page, "#map", 0.7, 0.61))
        waits_after(page, 12)
        said["clicked"] = page.locator("#history li span").first.inner_text()

        # Another window, whose map is seen before it is the target.
        drag(page, "#spectrum", (0.3, 0.5), (0.45, 0.5))
        settle(page, "() => document.querySelector('#spectrum-note').textContent.includes('The map shows window:')")
        page.screenshot(path=str(PICTURES / "trial.png"))
        page.click("#set-target")
        given(page, "target")
        waits_after(page, 12)

        # The campaign dies with the page open, and the page finds it again.
        before = int(page.evaluate("document.body.dataset.records"))
        program.send_signal(signal.SIGKILL)
        program.wait()
        settle(page, "() => document.querySelector('#state').textContent.includes('trying again')")
        page.screenshot(path=str(PICTURES / "lost.png"))
        program, again, _ = start("resume", str(FOLDER), "--page")
        said["same_link"] = again == link
        waits_after(page, 12)
        said["records"] = [before, int(page.evaluate("document.body.dataset.records"))]

        page.click("#accept")
        waits_after(page, 13)
        page.check("input[value=look]")
        # The last point that was measured is discarded.
        row, column = last_point(page)
        size = page.evaluate("document.querySelector('#map').style.aspectRatio.split('/').map(Number)")
        page.mouse.click(*at(page, "#map", (column + 0.5) / size[0], (row + 0.5) / size[1]))
        page.click("#discard")
        given(page, "discard")
        waits_after(page, 13)
        page.click("#accept")
        waits_after(page, 14)

        for width in (420, 1400, 2500):
            picture(page, "light", width)
        page.evaluate(Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text())
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        said["axe"] = [
            [violation["impact"], violation["id"], [node["html"][:100] for node in violation["nodes"]]]
            for violation in found["violations"]
        ]
        page.click("#theme")
        for width in (420, 1400, 2500):
            picture(page, "dark", width)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        said["axe"] += [[v["impact"], v["id"], [n["html"][:100] for n in v["nodes"]]] for v in found["violations"]]
        page.set_viewport_size({"width": 1400, "height": 1000})

        # A link that watches has no say.
        other = browser.new_page()
        other.goto(watch)
        settle(other, "() => document.querySelector('#facts').innerText.includes('14 of')")
        other.click("#stop", force=True)
        said["watcher"] = other.locator("#said").inner_text()

        # The past: before the first command.
        page.locator("#slider").fill("20")
        settle(page, "() => document.querySelector('#when').textContent.startsWith('the past: record 20')")
        said["past"] = page.locator("#when").inner_text()
        page.click("#live")

        page.click("#stop")
        program.wait(timeout=120)
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
