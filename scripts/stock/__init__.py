"""Bulk work on carnets: issued with their codes, activated, moved, handed out. Each resumes."""
