"""Gets the files of a data set: found on disk, or fetched from one of its mirrors."""
