"""The slow, obvious twins: loops that anyone can check, imported by the laws."""
