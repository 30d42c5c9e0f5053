"""The stages of dvc.yaml, each run as `python -m stages.<name>`."""

from src.core.orphans import end_with_dvc
from src.core.portable import pin_if_portable

# Here, because every stage imports this package before any library that computes.
pin_if_portable()
# And before it takes seconds to import these, in which DVC may be killed.
end_with_dvc()
