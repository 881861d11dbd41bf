package io.github.stillgate.cli;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.TypeConversionException;

/** The commands of {@code ./stillgate}. */
@Command(
    name = "stillgate",
    versionProvider = Stillgate.Version.class,
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    header =
        "Runs gated recurrent networks on one live stream, and skips the units that stand still.",
    description =
        "%nStart with @|bold ./stillgate demo|@. Every command explains itself with --help; those that"
            + " measure print JSON with --json.%n",
    footer = {
      "",
      "Exit codes: 0 success, 1 failure (the message names the cure), 2 wrong usage.",
      "STILLGATE_JAVA_ARGS adds JVM flags, e.g. -Xmx4g, -Dstillgate.native.tier=avx2 or"
          + " -XX:MaxVectorSize=32."
    },
    subcommands = {
      DemoCommand.class,
      RunCommand.class,
      ScoreCommand.class,
      ListenCommand.class,
      InspectCommand.class,
      ConvertCommand.class,
      QuantizeCommand.class,
      TuneCommand.class,
      OnnxTestCommand.class,
      DoctorCommand.class,
      TrainCommand.class,
      Stillgate.Bench.class,
      Stillgate.Reproduce.class,
      Stillgate.G2p.class,
      CommandLine.HelpCommand.class
    })
public final class Stillgate implements Runnable {
  @Option(
      names = "--stacktrace",
      scope = CommandLine.ScopeType.INHERIT,
      description = "show where a failure came from (also STILLGATE_DEBUG=1)")
  private boolean stackTrace;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  /** For picocli. */
  public Stillgate() {}

  /**
   * A command in a module of its own, which the launcher starts; here it is listed and explained.
   */
  private abstract static class Elsewhere implements Callable<Integer> {
    @CommandLine.Unmatched private @Nullable List<String> arguments;
    @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

    @Override
    public Integer call() {
      throw new IllegalStateException(
          "%s is started by the launcher: run ./stillgate %s from a checkout"
              .formatted(spec.name(), spec.name()));
    }
  }

  @Command(
      name = "bench",
      description =
          "Runs the JMH benchmarks; bench kernels compares ways to skip, bench peers and bench layers"
              + " other runtimes (see bench/README.md).",
      footer = {"", "./stillgate bench --help lists its options."})
  static final class Bench extends Elsewhere {}

  @Command(
      name = "reproduce",
      description = "Makes the papers' tables again (see bench/README.md).",
      footer = {"", "./stillgate reproduce --help lists its options."})
  static final class Reproduce extends Elsewhere {}

  @Command(
      name = "g2p",
      description =
          "Turns spelling into phonemes with an imported encoder-decoder (see examples/g2p).",
      footer = {"", "./stillgate g2p --help lists its options."})
  static final class G2p extends Elsewhere {}

  /** What the build was told. */
  static final class Version implements CommandLine.IVersionProvider {
    @Override
    public String[] getVersion() throws IOException {
      Properties build = new Properties();
      try (InputStream in = Stillgate.class.getResourceAsStream("build.properties")) {
        if (in != null) {
          build.load(in);
        }
      }
      return new String[] {"stillgate " + build.getProperty("version", "of an unknown build")};
    }
  }

  /** Runs one command and exits with its code. */
  public static void main(String[] args) {
    System.exit(execute(commandLine(), args));
  }

  /** Runs one command; what it throws becomes a line on the standard error stream. */
  static int execute(CommandLine commandLine, String... args) {
    try {
      return commandLine.execute(args);
    } catch (OutputFailure failure) {
      throw failure;
    } catch (Throwable failure) {
      return report(failure, commandLine);
    }
  }

  static CommandLine commandLine() {
    return new CommandLine(new Stillgate())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setExecutionExceptionHandler((failure, command, _) -> report(failure, command))
        .registerConverter(Path.class, Stillgate::path);
  }

  /** Tells the person at the standard error stream. */
  static void tell(CommandLine command, String line) {
    command
        .getErr()
        .println(
            CommandLine.Help.defaultColorScheme(Launch.errorColours()).errorText(Escaped.of(line)));
  }

  private static int report(Throwable failure, CommandLine command) {
    CommandLine root = command;
    while (root.getParent() != null) {
      root = root.getParent();
    }
    boolean stackTrace =
        Failures.wantsStackTrace()
            || root.getCommand() instanceof Stillgate stillgate && stillgate.stackTrace;
    return Failures.report(failure, line -> tell(command, line), stackTrace);
  }

  private static Path path(String text) {
    try {
      return Path.of(text);
    } catch (InvalidPathException e) {
      throw new TypeConversionException(Failures.message(e));
    }
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "a command is missing");
  }
}
