from identities.program import main

main()
