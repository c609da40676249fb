from igny8.cli import main

main()
