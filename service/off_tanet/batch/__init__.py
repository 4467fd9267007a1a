"""Scoring many pairs or clips: manifests, results as files, and the engines that do the work."""
