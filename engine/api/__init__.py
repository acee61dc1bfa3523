"""What the window, the command line and the engine say to each other: pure Python and numpy.

Modules: `errors` (typed errors in words), `config` (a run, frozen), `jobs` (what a worker can be asked),
`events` (what it says meanwhile), `reports` (what it answers), `catalogue` (the methods and their settings),
`control` (pause and stop), `launch` (starting a worker process), `storage` (files written whole), `cache_folder` (where
what can be made anew is kept).
"""
