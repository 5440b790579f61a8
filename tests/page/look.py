"""Looks at campaigns in Chromium, for `tests/tests/all/page/looked_at.rs`.

    target/page/bin/python tests/page/look.py PROGRAM FOLDER PICTURES

A campaign whose proposals wait for a while only; two campaigns on one page, one of which is then removed;
a replay, and a comparison. Prints a line of JSON.
"""

import json
import math
import shutil
import signal
import struct
import sys
from pathlib import Path

from browser import PATIENCE, given, maps, open_browser, pictures, settle, start, watched
from playwright.sync_api import sync_playwright

PROGRAM, FOLDER, PICTURES = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
STATE = "text => document.querySelector('#state').textContent.includes(text)"
FACTS = "text => document.querySelector('#facts').innerText.includes(text)"


def array(path, number):
    """A file of NumPy with 40 × 50 numbers."""
    head = "{'descr': '<f8', 'fortran_order': False, 'shape': (40, 50), }"
    head += " " * (63 - (len(head) + 10) % 64) + "\n"
    numbers = [number(row, column) for row in range(40) for column in range(50)]
    path.write_bytes(
        b"\x93NUMPY\x01\x00" + struct.pack("<H", len(head)) + head.encode() + struct.pack(f"<{len(numbers)}d", *numbers)
    )
    return str(path)


def timed(browser, said):
    """Nobody answers: the campaign pauses, then goes on by itself, and ends."""
    folder = FOLDER / "timed"
    arguments = "run --microscope specimen --budget 14 --seed 8 --approve --approve-after 1s --page --out"
    program, link, _ = start(PROGRAM, *arguments.split(), str(folder))
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    page.add_init_script("localStorage.setItem('beacon-name', 'Ada')")
    _, errors = watched(page, link)
    given(page, "pause")
    said["paused_by"] = page.locator("#history li span").first.inner_text()
    page.fill("#dose-limit", "1e13")
    page.press("#dose-limit", "Enter")
    given(page, "dose-limit 1e13")
    page.click("form[data-word=dose-limit] .none")
    given(page, "dose-limit none")
    said["limit_back"] = page.locator("#history li:first-child button").get_attribute("title")
    # A limit on one pixel and one of time, each taken back; one that has passed already is refused.
    for word, typed in [("pixel-dose-limit", "1e9"), ("time-limit", "2h30m")]:
        page.fill(f"#{word}", typed)
        page.press(f"#{word}", "Enter")
        given(page, f"{word} {'9000s' if word == 'time-limit' else typed}")
        page.click("#history li:first-child button")
        given(page, f"{word} none")
    page.fill("#time-limit", "1ms")
    page.press("#time-limit", "Enter")
    settle(page, "() => document.querySelector('#said').textContent.includes('has been running')")
    page.fill("#time-limit", "")
    # Long enough for a slow machine to see the time that is left.
    page.fill("#approve-after", "50s")
    page.click("#time-out button")
    given(page, "approve on after 50s pause")
    page.click("#pause")
    settle(page, "() => /The campaign pauses in/.test(document.querySelector('#time-left').textContent)")
    page.click("#pause")
    given(page, "pause")
    page.select_option("#approve-then", "go")
    page.fill("#approve-after", "0.3s")
    page.click("#time-out button")
    given(page, "approve on after 0.3s go")
    settle(page, FACTS, "then are measured")
    said["take_back"] = page.locator("#history li:first-child button").get_attribute("title")
    page.click("#pause")
    program.wait(timeout=120)
    settle(page, STATE, "The program is over")
    said["over"] = page.locator("#state").inner_text()
    said["timed_status"], said["timed_errors"] = program.returncode, errors
    page.close()
    return folder


def both(browser, said, first):
    """Two campaigns on one page: the link of one shows that one alone."""
    second = FOLDER / "second"
    # It seeks two responses together.
    arguments = "run --microscope specimen:plasmonic --budget 12 --targets window:0.4..0.5,window:0.55..0.65 --page --out"
    program, alone, _ = start(PROGRAM, *arguments.split(), str(second))
    program.wait(timeout=120)
    program, link, _ = start(PROGRAM, "page", str(first), str(second))
    page = browser.new_page()
    _, errors = watched(page, link)
    settle(page, "() => document.querySelectorAll('#which option').length === 2")
    settle(page, FACTS, "14 of 14")
    page.select_option("#which", "1")
    settle(page, FACTS, "12 of 12")
    settle(page, FACTS, "window:0.4..0.5,window:0.55..0.65; maps and charts show window:0.4..0.5")
    said["targets"] = page.locator("#of option").all_inner_texts()
    page.select_option("#of", "1")
    settle(page, FACTS, "maps and charts show window:0.55..0.65")
    for name in ["mean", "truth"]:
        settle(page, f"() => !document.querySelector('#maps figure[data-map={name}]').hidden")
    said["second_maps"] = maps(page)
    said["second_curves"] = page.locator("#curves figcaption").all_inner_texts()
    page.select_option("#of", "0")
    # The link of the second, at the port of this page.
    own = browser.new_page()
    own.set_default_timeout(PATIENCE)
    own.goto(link.split("#")[0] + "#" + alone.split("#")[1])
    settle(own, FACTS, "12 of 12")
    said["alone"] = own.locator("#which option").count()
    # The map to publish of a campaign that is over.
    settle(page, "() => !document.querySelector('#maps figure[data-map=map_mean]').hidden")
    shutil.rmtree(second)
    settle(page, STATE, "is no longer there")
    settle(page, FACTS, "12 of 12")
    said["gone"] = page.locator("#state").inner_text()
    said["both_errors"] = errors
    program.send_signal(signal.SIGKILL)
    program.wait()
    page.close()
    own.close()


def played(browser, said):
    """A replay, which stays open until it is interrupted, and a comparison of two campaigns."""
    image = array(FOLDER / "image.npy", lambda row, column: math.sin(0.5 * row) + math.cos(0.3 * column))
    response = array(FOLDER / "response.npy", lambda row, column: math.sin(0.5 * row) * math.cos(0.3 * column) + row / 20)
    data = ["--image", image, "--response", response]
    results = FOLDER / "replayed"
    other = array(FOLDER / "other.npy", lambda row, column: math.cos(0.2 * row) - math.sin(0.4 * column))
    program, link, _ = start(PROGRAM, "replay", *data, "--response", other, "--steps", "8", "--page", "--out", str(results))
    page = browser.new_page(viewport={"width": 1400, "height": 1000})
    _, errors = watched(page, link)
    settle(page, STATE, "ended")
    settle(page, FACTS, "18 of 18")
    for name in ["truth", "map_mean", "score", "plane"]:
        settle(page, f"() => !document.querySelector('#maps figure[data-map={name}]').hidden")
    said["replay_maps"] = maps(page)
    said["replay_targets"] = page.locator("#of option").all_inner_texts()
    said["replay_shown"] = page.locator("#shown option").all_inner_texts()
    page.select_option("#shown", "their order")
    settle(page, "() => document.querySelector('#scales').textContent.includes('order of points: 1 18')")
    page.select_option("#shown", "")
    said["replay_axe"] = pictures(page, PICTURES, "replay")
    page.click("#stop", force=True)
    said["replay_steered"] = page.locator("#said").inner_text()
    # Its results are written before the page closes.
    said["replay_written"] = (results / "report.html").exists()
    program.send_signal(signal.SIGINT)
    settle(page, STATE, "The program is over")
    said["replay_status"], said["replay_errors"] = program.wait(timeout=60), errors
    page.close()

    arguments = ["--strategies", "beacon,random", "--seeds", "1", "--steps", "6", "--page", "--out", str(FOLDER / "compared")]
    program, link, _ = start(PROGRAM, "compare", *data, *arguments)
    page = browser.new_page()
    _, errors = watched(page, link)
    settle(page, "() => document.querySelectorAll('#which option').length === 2")
    said["cells"] = page.locator("#which option").all_inner_texts()
    for number in ("1", "0"):
        page.select_option("#which", number)
        settle(page, FACTS, "16 of 16")
    settle(page, "() => document.querySelectorAll('#kinds li').length === 2 && !document.querySelector('#kinds').innerText.includes('not begun')")
    said["kinds"] = page.locator("#kinds li").all_inner_texts()
    said["compare_axe"] = pictures(page, PICTURES, "compare")
    program.send_signal(signal.SIGINT)
    said["compare_status"], said["compare_errors"] = program.wait(timeout=120), errors
    page.close()


def main():
    PICTURES.mkdir(parents=True, exist_ok=True)
    said = {}
    with sync_playwright() as playwright:
        browser = open_browser(playwright)
        first = timed(browser, said)
        both(browser, said, first)
        played(browser, said)
        browser.close()
    print(json.dumps(said))


if __name__ == "__main__":
    main()
