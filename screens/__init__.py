"""Arrange widgets and ask questions."""
