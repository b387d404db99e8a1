"""Reading and writing checkpoints, the original's and ours."""
