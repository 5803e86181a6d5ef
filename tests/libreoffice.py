"""Files as LibreOffice opens them: the bytes that a user downloads, every formula computed anew."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

# By itself it takes the values that are stored beside formulas.
ALWAYS_RECALCULATE = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
  <item oor:path="/org.openoffice.Office.Calc/Formula/Load">
    <prop oor:name="OOXMLRecalcMode" oor:op="fuse"><value>0</value></prop>
  </item>
</oor:items>
"""
FILTERS = {"xlsx": "xlsx:Calc MS Excel 2007 XML"}


def converted(files: Mapping[str, bytes], folder: Path, kind: str) -> dict[str, bytes]:
    """Name -> what LibreOffice makes of the file; it opened each of them without a word of complaint."""
    soffice = shutil.which("soffice")
    assert soffice, "LibreOffice is needed"
    profile, source, out = (folder / name for name in ("profile", "in", "out"))
    for place in (profile / "user", source, out):
        place.mkdir(parents=True, exist_ok=True)
    (profile / "user" / "registrymodifications.xcu").write_text(ALWAYS_RECALCULATE)
    for name, data in files.items():
        (source / name).write_bytes(data)
    done = subprocess.run(
        [soffice, f"-env:UserInstallation=file://{profile}", "--headless", "--convert-to", FILTERS.get(kind, kind),
         "--outdir", str(out), *(str(source / name) for name in files)],
        check=True, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    lines = (done.stdout + done.stderr).splitlines()
    complaints = [line for line in lines if line.strip() and not line.startswith("convert ") and "javaldx" not in line]
    assert not complaints, complaints  # that there is no Java says nothing of the files
    return {name: (out / name).with_suffix(f".{kind}").read_bytes() for name in files}
