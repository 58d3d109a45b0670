"""The ground of all: errors, files, processes, times, names."""
