"""What the scripts that drive Chromium share."""

import re
import subprocess
from pathlib import Path

import axe_playwright_python

PATIENCE = 120_000
WIDTHS = (420, 1400, 2500)


# Keeps where each canvas has texts that begin at a place, since it was cleared last.
TEXTS = """
    const context = CanvasRenderingContext2D.prototype, { fillText, clearRect } = context;
    context.clearRect = function (...box) { this.canvas.texts = []; return clearRect.apply(this, box); };
    context.fillText = function (text, x, y, ...rest) {
        if (this.textAlign === 'left') this.canvas.texts?.push({ text, x, y, width: this.measureText(text).width });
        return fillText.call(this, text, x, y, ...rest);
    };
"""

OVERLAPS = """id => {
    const all = document.getElementById(id).texts, height = 11;
    return all.flatMap((a, index) => all.slice(index + 1)
        .filter(b => a.x < b.x + b.width && b.x < a.x + a.width && Math.abs(a.y - b.y) < height)
        .map(b => `${a.text} and ${b.text}`));
}"""


def overlaps(page):
    """Labels on the charts that lie on each other, at any width."""
    found = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1000})
        page.wait_for_timeout(300)
        for chart in ("spectrum", "response"):
            found += [[width, chart, pair] for pair in page.evaluate(OVERLAPS, chart)]
            found += [[width, chart, "no label"]] if not page.evaluate("id => document.getElementById(id).texts.length", chart) else []
    page.set_viewport_size({"width": 1400, "height": 1000})
    return found


def start(program, *arguments):
    """The program, and the links to its page that control and that watch."""
    started = subprocess.Popen([program, *arguments], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    first = started.stderr.readline()
    link = re.fullmatch(r"control (http://\S+)\n", first)
    if not link:
        raise SystemExit(f"the program says first: {first}{started.stderr.read()}")
    return started, link[1], started.stderr.readline().split()[1]


def open_browser(playwright):
    return playwright.chromium.launch(
        executable_path="/usr/bin/chromium",
        args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
    )


def watched(page, link):
    """Opens a link; returns the requests that go elsewhere and the mistakes, as they come."""
    foreign, errors = [], []
    own = link.split("/#")[0]

    def look(request):
        if not request.url.startswith((own, "data:")):
            foreign.append(request.url)

    page.on("request", look)
    page.on("pageerror", lambda error: errors.append(str(error)))
    # A browser that starts beside everything else takes its time, and is no slower page for it.
    page.set_default_timeout(PATIENCE)
    page.goto(link)
    return foreign, errors


def settle(page, what, argument=None):
    page.wait_for_function(what, arg=argument, timeout=PATIENCE)


LISTEN = """async () => {
    const { story } = await import(new URL('room.js', location));
    const add = story.add.bind(story);
    window.arrived = story.messages.map(({ record }) => record);
    story.add = (message) => { window.arrived.push(message.record); add(message); };
}"""

KEPT = "async () => (await import(new URL('room.js', location))).story.messages.map(({ record }) => record)"


def listen(page):
    """Notes the number of every record that arrives from here on, those too that the page would drop."""
    page.evaluate(LISTEN)


def heard(page):
    """The numbers of the records that have arrived, and of those that the page has kept."""
    return page.evaluate("window.arrived"), page.evaluate(KEPT)


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


def pictures(page, folder, name):
    """The page at every width, and what axe-core finds at each."""
    page.evaluate(Path(axe_playwright_python.__file__).with_name("axe.min.js").read_text())
    found = []
    # What stays at the top of the window stands where the window is.
    page.evaluate("scrollTo(0, 0)")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 1000})
        page.wait_for_timeout(300)
        page.screenshot(path=str(folder / f"{name}-{width}.png"), full_page=True)
        result = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
        found += [
            [violation["impact"], violation["id"], width, [node["html"][:100] for node in violation["nodes"]]]
            for violation in result["violations"]
        ]
    page.set_viewport_size({"width": 1400, "height": 1000})
    return found


def maps(page):
    """The maps that are shown."""
    return page.evaluate("[...document.querySelectorAll('#maps figure:not([hidden])')].map(one => one.dataset.map)")
