"""Which commands exist. Each module imports what it needs late, so that ``--help`` stays quick."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add every command and group to the root, in the order in which the help shows them."""
    from cli import (
        apply,
        catalogue,
        close,
        config_,
        dedupe,
        detected,
        doctor,
        event_schema,
        experiment,
        funnel,
        goal,
        import_,
        key,
        query,
        receipt,
        report,
        serve,
        setup,
        site,
        spool,
        verify,
    )

    setup.register(app)
    app.add_typer(config_.app, name="config")
    app.add_typer(site.app, name="site")
    app.add_typer(key.app, name="key")
    serve.register(app)
    import_.register(app)
    app.add_typer(report.app, name="report")
    catalogue.register(app)
    query.register(app)
    app.add_typer(goal.app, name="goal")
    app.add_typer(funnel.app, name="funnel")
    apply.register(app)
    app.add_typer(detected.app, name="detected")
    app.add_typer(experiment.app, name="experiment")
    app.add_typer(event_schema.app, name="event-schema")
    spool.register(app)
    close.register(app)
    dedupe.register(app)
    app.add_typer(receipt.app, name="receipt")
    verify.register(app)
    doctor.register(app)
