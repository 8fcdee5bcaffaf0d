"""The parts of the screens, a file each: what it shows, and its look."""
