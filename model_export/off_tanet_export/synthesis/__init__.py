"""Synthetic facial motion, drawn and rendered."""
