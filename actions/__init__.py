"""Decide what to do. An Action refuses, or makes a Plan of steps."""
