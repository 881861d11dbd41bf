package io.github.stillgate.cli;

import java.io.PrintWriter;
import java.io.StringWriter;
import picocli.CommandLine;

/**
 * A command run in the JVM of the test.
 *
 * @param code its exit code
 * @param out what it printed
 * @param err what it said
 */
record InProcess(int code, String out, String err) {
  static InProcess run(String... args) {
    StringWriter out = new StringWriter();
    StringWriter err = new StringWriter();
    CommandLine commandLine =
        Stillgate.commandLine()
            .setOut(new PrintWriter(out, true))
            .setErr(new PrintWriter(err, true));
    int code = Stillgate.execute(commandLine, args);
    return new InProcess(code, out.toString(), err.toString());
  }
}
