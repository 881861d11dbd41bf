package io.github.stillgate.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.util.Arrays;
import picocli.CommandLine;

/**
 * What came of a command that ran in the JVM of the test.
 *
 * @param code its exit code
 * @param out what it printed
 * @param err what it said
 */
record Outcome(int code, String out, String err) {
  /** Runs a command; arguments may be paths and numbers. */
  static Outcome run(Object... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine commandLine =
        Stillgate.commandLine()
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true));
    int code =
        Stillgate.execute(
            commandLine, Arrays.stream(args).map(Object::toString).toArray(String[]::new));
    return new Outcome(code, out.toString(), err.toString());
  }
}
