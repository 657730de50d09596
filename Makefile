# For those whose fingers type make; ./run does the work. Arguments: make test ARGS="-x tests/ledger"
.PHONY: demo serve test check bench load help
help demo serve test check bench load:
	@./run $@ $(ARGS)
