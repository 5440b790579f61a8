"""Steers a campaign in Chromium by touch, then by keys alone, for `tests/tests/all/page/by_hand.rs`.

    target/page/bin/python tests/page/hands.py PROGRAM FOLDER SEEDS

Prints a line of JSON.
"""

import json
import sys

from browser import at, given, open_browser, settle, start, waits_after, watched
from playwright.sync_api import sync_playwright

PROGRAM, FOLDER, SEEDS = sys.argv[1:]
FOCUSED = "() => document.activeElement.id || document.activeElement.name || ''"
CURSOR = """async () => {
    const { room } = await import(new URL('room.js', location));
    return [room.cursor.row, room.cursor.column];
}"""
# Presses of Tab within which everything is reached.
MOST = 60


def named(context, name):
    page = context.new_page()
    page.add_init_script(f"localStorage.setItem('beacon-name', '{name}')")
    return page


def by_touch(browser, link, said):
    context = browser.new_context(has_touch=True, is_mobile=True, viewport={"width": 420, "height": 900})
    page = named(context, "Touch")
    _, errors = watched(page, link)
    waits_after(page, 10)
    page.tap("input[value=measure]")
    page.touchscreen.tap(*at(page, "#map", 0.7, 0.61))
    given(page, "suggest")
    waits_after(page, 11)
    page.tap("#accept")
    given(page, "accept")
    waits_after(page, 12)
    page.tap("input[value=exclude]")
    fingers = context.new_cdp_session(page)

    def touch(kind, *places):
        points = [{"x": x, "y": y} for x, y in places]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    begin, middle, end = (at(page, "#map", share, share) for share in (0.4, 0.45, 0.5))
    touch("touchStart", begin)
    touch("touchMove", middle)
    touch("touchMove", end)
    touch("touchEnd")
    given(page, "exclude")
    waits_after(page, 12)
    said["touch_errors"] = errors
    context.close()


def tab_to(page, wanted):
    """Presses Tab until something has the focus; how often."""
    for presses in range(1, MOST):
        page.keyboard.press("Tab")
        if page.evaluate(FOCUSED) == wanted:
            return presses
    raise SystemExit(f"{wanted} is not reached by {MOST} presses of Tab")


def cursor(page):
    """Row and column of the cursor on the map."""
    settle(page, "() => /^row /.test(document.querySelector('#pixel').textContent)")
    # What the page says of it follows when the page is drawn.
    return page.evaluate(CURSOR)


def by_keys(browser, link, said):
    page = named(browser.new_context(viewport={"width": 1400, "height": 1000}), "Keys")
    _, errors = watched(page, link)
    waits_after(page, 12)
    said["tabs_to_stop"] = tab_to(page, "stop")
    tab_to(page, "tool")
    page.keyboard.press("ArrowRight")
    said["tool"] = page.evaluate("document.activeElement.value")
    tab_to(page, "map")
    page.keyboard.press("ArrowUp")
    before = cursor(page)
    for key in ["Shift+ArrowUp", "ArrowDown", "ArrowLeft", "ArrowLeft", "Shift+ArrowRight"]:
        page.keyboard.press(key)
    after = cursor(page)
    said["moved"] = [b - a for a, b in zip(before, after)]
    page.keyboard.press("Enter")
    given(page, "suggest {},{}".format(*after))
    waits_after(page, 13)
    # Away from the map, where letters mean something.
    page.keyboard.press("Tab")
    page.keyboard.press("p")
    given(page, "pause")
    page.keyboard.press("p")
    given(page, "resume")
    waits_after(page, 13)
    page.keyboard.press("a")
    given(page, "accept")
    waits_after(page, 14)
    page.keyboard.press("r")
    given(page, "reject")
    waits_after(page, 14)
    page.reload()
    waits_after(page, 14)
    tab_to(page, "stop")
    page.keyboard.press("Enter")
    said["keys_errors"] = errors


def main():
    beginning = "run --microscope specimen --budget 18 --approve --seed 8 --page".split()
    program, link, _ = start(PROGRAM, *beginning, "--seeds-from", SEEDS, "--out", FOLDER)
    said = {}
    with sync_playwright() as playwright:
        browser = open_browser(playwright)
        by_touch(browser, link, said)
        by_keys(browser, link, said)
        said["status"] = program.wait(timeout=120)
        browser.close()
    print(json.dumps(said))


if __name__ == "__main__":
    main()
