from bulkhead.model.imports import kept_for_good

with kept_for_good():
    from bulkhead.localclouds.clouds import main

main()
