from infra.program import main

main("infra.product:PRODUCT")
