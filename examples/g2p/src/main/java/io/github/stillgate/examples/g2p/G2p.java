package io.github.stillgate.examples.g2p;

import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.github.stillgate.core.plan.PlanOptions;
import io.github.stillgate.core.plan.Skipping;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code ./stillgate g2p}: says the words of a file and compares them with what stands beside. */
@Command(
    name = "./stillgate g2p",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Turns spelling into phonemes with an imported PyTorch encoder-decoder.",
      "",
      "WORDS has a word a line and, behind a tab, the phonemes that are expected, if any. MODEL_DIR"
          + " holds g2p_en.safetensors and vocabulary_and_traces.json; examples/g2p/README.md says how"
          + " to get them.",
      ""
    })
public final class G2p implements Callable<Integer> {
  private static final int LISTED = 10;

  @Parameters(index = "0", paramLabel = "WORDS", description = "a word a line")
  private Path words;

  @Parameters(index = "1", paramLabel = "MODEL_DIR", description = "the pretrained network")
  private Path folder;

  @Option(
      names = "--backend",
      paramLabel = "NAME",
      description = "reference, vector or native; the best that runs if not given")
  private @Nullable String backend;

  @Option(
      names = "--epsilon",
      paramLabel = "MASS",
      defaultValue = "0",
      description = "leave units still until so much of their gates has gathered; 0 is exact")
  private float epsilon;

  @Option(names = "--json", description = "print the result as one JSON object")
  private boolean json;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  /** For picocli. */
  public G2p() {}

  /** One word that came out otherwise. */
  private record Miss(String word, String expected, String said) {}

  /** Runs the command and exits with its code. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return new CommandLine(new G2p())
        .setExecutionExceptionHandler((failure, commandLine, _) -> {
          if (failure instanceof NullPointerException) {
            throw failure;
          }
          String message =
              switch (failure) {
                case NoSuchFileException e -> e.getFile() + ": no such file";
                case AccessDeniedException e -> e.getFile() + ": permission denied";
                case CharacterCodingException _ -> "WORDS is not valid UTF-8";
                default -> String.valueOf(failure.getMessage());
              };
          commandLine
              .getErr()
              .println(commandLine.getColorScheme().errorText("stillgate: " + message));
          return CommandLine.ExitCode.SOFTWARE;
        });
  }

  @Override
  public Integer call() throws IOException {
    if (Files.isDirectory(words)) {
      throw new IllegalArgumentException(words + ": is a folder; name a file with a word a line");
    }
    Pronouncer.require(folder);
    List<String> lines = Files.readAllLines(words);
    PlanOptions options = PlanOptions.defaults();
    if (backend != null) {
      options = options.withBackend(backend);
    }
    if (epsilon > 0) {
      options = options.withSkipping(Skipping.below(epsilon));
    }
    List<Miss> misses = new ArrayList<>();
    int compared = 0;
    PrintWriter out = spec.commandLine().getOut();
    try (Pronouncer pronouncer = Pronouncer.open(folder, options)) {
      for (String line : lines) {
        String[] parts = line.split("\t", 2);
        if (parts[0].isBlank()) {
          continue;
        }
        String said = String.join(" ", pronouncer.pronounce(parts[0].strip()));
        if (parts.length > 1) {
          compared++;
          if (!said.equals(parts[1].strip())) {
            misses.add(new Miss(parts[0], parts[1].strip(), said));
          }
        } else if (!json) {
          out.printf("%s\t%s%n", parts[0], said);
        }
      }
      report(out, pronouncer, compared, misses);
    }
    return misses.isEmpty() ? 0 : 1;
  }

  private void report(PrintWriter out, Pronouncer pronouncer, int compared, List<Miss> misses)
      throws IOException {
    if (json) {
      Map<String, Object> result = new LinkedHashMap<>();
      result.put("backend", pronouncer.backend());
      result.put("epsilon", epsilon);
      result.put("live", pronouncer.liveFraction());
      result.put("words", compared);
      result.put("exact", compared - misses.size());
      result.put("misses", misses);
      out.println(
          JsonMapper.builder()
              .enable(SerializationFeature.INDENT_OUTPUT)
              .build()
              .writeValueAsString(result));
    } else if (compared > 0) {
      out.printf(
          Locale.ROOT,
          "%,d of %,d words exact (%s, %.0f %% of the units live)%n",
          compared - misses.size(),
          compared,
          pronouncer.backend(),
          100 * pronouncer.liveFraction());
      for (Miss miss : misses.subList(0, Math.min(LISTED, misses.size()))) {
        out.printf("  %s: %s, expected %s%n", miss.word, miss.said, miss.expected);
      }
    }
    out.flush();
  }
}
