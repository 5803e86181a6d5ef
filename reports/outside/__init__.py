"""Units outside the system report annex 1 by a form that was issued to them, or by a one-time link (R52, A6)."""
