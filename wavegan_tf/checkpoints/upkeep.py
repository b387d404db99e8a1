"""What a run directory needs beside saving: backups, and clearing up after killed processes."""

import glob
import os
import shutil

from wavegan_tf.checkpoints import disk, files, run

BACKUPS = "backups"


def back_up(prefix: str, hours: float) -> str | None:
    """Keeps a checkpoint for good in ``backups/`` if the newest one there is so many hours older.

    The first always is kept. ``backups/`` is a run directory of its own, with a copy of
    ``config.json``, so that ``--ckpt=RUN/backups`` opens. Files are linked, not copied, where the
    file system can. The time is that of the files, so that it goes on over a restart.

    Returns:
        The backup's prefix; None where it was not yet time.
    """
    directory = os.path.join(os.path.dirname(prefix), BACKUPS)
    saved = os.path.getmtime(f"{prefix}.index")
    older = [os.path.getmtime(f"{p}.index") for p in files.list_prefixes(directory)]
    if older and saved - max(older) < hours * 3600:
        return None
    os.makedirs(directory, exist_ok=True)
    config = os.path.join(os.path.dirname(prefix), run.CONFIG_FILE)
    if os.path.exists(config):
        shutil.copyfile(config, os.path.join(directory, run.CONFIG_FILE))
    backup = os.path.join(directory, os.path.basename(prefix))
    for suffix in (files.DATA_SUFFIX, ".index"):  # the index last: no half a checkpoint
        _link(prefix + suffix, backup + suffix)
    disk.sync(directory)
    return backup


def remove_remains(directory: str) -> None:
    """Removes what killed processes left half done; only for the one process that may write."""
    start = os.path.join(glob.escape(directory), "")
    for path in glob.glob(f"{start}{files.SCRATCH}*"):
        shutil.rmtree(path)
    for path in glob.glob(f"{start}model.ckpt-*{files.DATA_SUFFIX}"):
        prefix = path.removesuffix(files.DATA_SUFFIX)
        if not os.path.exists(f"{prefix}.index"):
            files.remove(prefix)


def _link(source: str, target: str) -> None:
    scratch = f"{target}.saving"
    if os.path.exists(scratch):
        os.remove(scratch)
    try:
        os.link(source, scratch)
    except OSError:  # a file system without links
        shutil.copy2(source, scratch)
        disk.sync(scratch)
    os.replace(scratch, target)
    if os.path.exists(scratch):  # the two were one file already: replace() did nothing
        os.remove(scratch)
