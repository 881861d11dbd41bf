package io.github.stillgate.bench.paper;

import io.github.stillgate.bench.FailureLine;
import io.github.stillgate.bench.OpenBlasKernels;
import io.github.stillgate.bench.paper.digits.ReproduceDigits;
import io.github.stillgate.bench.paper.estimators.ReproduceEstimators;
import io.github.stillgate.bench.paper.gru.ReproduceGru;
import io.github.stillgate.bench.paper.sparse.ReproduceSparse;
import io.github.stillgate.bench.paper.sru.ReproduceSru;
import picocli.CommandLine;
import picocli.CommandLine.Command;

/** {@code ./stillgate reproduce}: what the papers report, trained and measured again. */
@Command(
    name = "stillgate reproduce",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "PAPER",
    subcommandsRepeatable = false,
    description = "Makes the tables and figures of one paper again.",
    subcommands = {
      ReproduceGru.class,
      ReproduceEstimators.class,
      ReproduceSparse.class,
      ReproduceSru.class,
      ReproduceDigits.class
    })
public final class Reproduce {
  private Reproduce() {}

  /** Runs and exits. */
  public static void main(String[] args) {
    OpenBlasKernels.ensure();
    System.exit(command().execute(args));
  }

  /** The command with all its papers. */
  static CommandLine command() {
    return new CommandLine(new Reproduce())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler(new FailureLine());
  }
}
