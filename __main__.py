from bulkhead.model.imports import kept_for_good

with kept_for_good():
    from infra.program import main

main()
