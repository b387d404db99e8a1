"""The paper on one page: its claims, the runs that put them to the demo models, and the page."""
