"""Which variable or feature map causes what, and how sure that is."""
