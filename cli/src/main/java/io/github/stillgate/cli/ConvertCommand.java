package io.github.stillgate.cli;

import io.github.stillgate.core.model.Model;
import io.github.stillgate.core.weights.DType;
import io.github.stillgate.core.weights.WeightsFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "convert",
    mixinStandardHelpOptions = true,
    showDefaultValues = true,
    description = {
      "Writes a model with its weights in another storage format. bf16 halves the file and rounds every"
          + " weight to 8 bits; what it scores may change a little, so run it again.",
      ""
    })
final class ConvertCommand implements Callable<Integer> {
  enum Format {
    f32(DType.F32),
    bf16(DType.BF16);

    private final DType type;

    Format(DType type) {
      this.type = type;
    }
  }

  @Parameters(index = "0", paramLabel = "MODEL", description = "the model to read")
  private Path from;

  @Parameters(index = "1", paramLabel = "OUT", description = "the model to write")
  private Path to;

  @Option(
      names = "--dtype",
      required = true,
      paramLabel = "TYPE",
      description = "${COMPLETION-CANDIDATES}")
  private Format format;

  @CommandLine.Spec private CommandLine.Model.CommandSpec spec;

  @Override
  public Integer call() throws Exception {
    long before = Files.size(from);
    Model model;
    Map<String, String> notes;
    try (WeightsFile file = WeightsFile.open(from)) {
      model = Model.from(file);
      notes = Map.copyOf(file.metadata());
    }
    model.save(to, format.type, notes);
    new Output(spec.commandLine().getOut())
        .line("wrote %s: %,d bytes, was %,d", to, Files.size(to), before);
    return 0;
  }
}
