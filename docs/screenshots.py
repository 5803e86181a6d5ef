"""Takes the pictures of the manual and of the README from a running demonstration (`make run` first).

CHROMIUM=/usr/bin/chromium .venv/bin/python docs/screenshots.py [http://127.0.0.1:8000]
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

IMG = Path(__file__).parent / "img"
PHONE, DESK = (390, 844), (1280, 800)
PASSWORD = "dianping2010"  # noqa: S105 - of the demonstration
# picture: who, size, address, and what to click first (text of a button or link; empty: nothing)
PICTURES = {
    "login": ("", PHONE, "/accounts/login/", ""),
    "duties-phone": ("zhibu", PHONE, "/duties/", ""),
    "record-edit-phone": ("zhibu", PHONE, "/duties/?show=draft", "继续填写"),
    "rectifications-phone": ("dangyuan", PHONE, "/rectifications/", ""),
    "duties-leader": ("lingdao", DESK, "/duties/", ""),
    "coverage": ("shenzhen", DESK, "/coverage/001025/", ""),
    "coverage-missing": ("shenzhen", DESK, "/coverage/001025/missing/members/", ""),
    "reports": ("shenzhen", DESK, "/reports/", ""),
    "organization": ("shenzhen", DESK, "/orgs/001025001002/", ""),
    "import": ("admin", DESK, "/import/", ""),
    "period": ("admin", DESK, "/periods/2010H2/", ""),
    "admin": ("admin", DESK, "/admin/", ""),
}


def page_of(browser: Browser, base: str, who: str, size: tuple[int, int]) -> Page:
    """A page, logged in where somebody is named."""
    context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale="zh-CN", base_url=base)
    page = context.new_page()
    if who:
        page.goto("/accounts/login/")
        page.get_by_label("用户名").fill(who)
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        page.wait_for_url(lambda url: "/login" not in url)
    return page


def overview(browser: Browser) -> None:
    """The README's picture: a phone beside a desk."""
    page = browser.new_page(viewport={"width": 1440, "height": 700})
    page.goto((IMG / "overview.html").as_uri())
    page.screenshot(path=IMG / "overview.png")


def main() -> None:
    """All pictures."""
    base = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8000"
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    IMG.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--headless", "--no-sandbox", "--disable-gpu"])
        for name, (who, size, address, click) in PICTURES.items():
            page = page_of(browser, base, who, size)
            page.goto(address)
            if click and page.get_by_text(click).count():
                page.get_by_text(click).first.click()
                page.wait_for_load_state()
            page.screenshot(path=IMG / f"{name}.png")
            page.context.close()
        overview(browser)
        browser.close()


if __name__ == "__main__":
    main()
