package io.github.stillgate.cli;

import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;

/** The entry point of {@code ./stillgate}. */
@Command(
    name = "stillgate",
    version = "stillgate 0.1.0-SNAPSHOT",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    header =
        "Runs gated recurrent networks on one live stream, and skips the units that stand still.",
    description =
        "%nStart with @|bold ./stillgate demo|@. Every command explains itself with --help; those that"
            + " measure print JSON with --json.%n",
    footer = {
      "",
      "Also: @|bold ./stillgate bench|@ runs the JMH benchmarks, @|bold ./stillgate bench kernels|@"
          + " compares ways to skip, @|bold ./stillgate reproduce|@ makes the paper's tables again"
          + " (see bench/README.md).",
      "",
      "Exit codes: 0 success, 1 failure (the message names the cure), 2 wrong usage.",
      "STILLGATE_JAVA_ARGS adds JVM flags, e.g. -Dstillgate.native.tier=avx2 or"
          + " -XX:MaxVectorSize=32."
    },
    subcommands = {
      DemoCommand.class,
      RunCommand.class,
      InspectCommand.class,
      ConvertCommand.class,
      TuneCommand.class,
      OnnxTestCommand.class,
      DoctorCommand.class,
      TrainCommand.class
    })
public final class Stillgate implements Runnable {
  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  /** For picocli. */
  public Stillgate() {}

  /** Runs one command and exits with its code. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return new CommandLine(new Stillgate())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler((failure, commandLine, parsed) -> {
          if (failure instanceof NullPointerException) {
            throw failure;
          }
          commandLine
              .getErr()
              .println(commandLine.getColorScheme().errorText("stillgate: " + message(failure)));
          return CommandLine.ExitCode.SOFTWARE;
        });
  }

  /** File system exceptions carry just the path; everything of our own is a sentence. */
  private static String message(Exception failure) {
    return switch (failure) {
      case NoSuchFileException e -> e.getFile() + ": no such file";
      case AccessDeniedException e -> e.getFile() + ": access denied";
      default -> failure.getMessage() == null ? failure.toString() : failure.getMessage();
    };
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }
}
