"""The three annexes of the notice, each built as a Sheet (`sheet`) and drawn by `xlsx` or by the page."""
