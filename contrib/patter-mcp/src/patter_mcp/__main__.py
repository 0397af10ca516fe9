from patter_mcp.command import main

raise SystemExit(main())
