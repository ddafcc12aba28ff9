"""One module a verb of the command line, each with `run(options, arguments) -> exit code`. None of them imports Textual."""
