"""What a person sees and touches: the command, the window, the keys, the capture."""

import os

# pygame greets on stdout when it is imported, and stdout belongs to the reports.
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
