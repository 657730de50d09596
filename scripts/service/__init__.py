"""The service's processes: workers that answer, followers that project, and who keeps them up."""
