"""What `dev.py` does. Standard library only: it is what installs everything else."""
