"""One file per question; each has Options, run, and what it draws and says."""
