package io.github.stillgate.core.kernel;

import io.github.stillgate.contract.BackendContract;
import io.github.stillgate.contract.BatchContract;
import io.github.stillgate.contract.SequenceContract;
import io.github.stillgate.contract.SessionContract;
import org.junit.jupiter.api.Nested;

class ReferenceBackendTest {
  @Nested
  class Kernels extends BackendContract {
    Kernels() {
      super(Backends.require("reference"));
    }
  }

  @Nested
  class Sessions extends SessionContract {
    Sessions() {
      super(Backends.require("reference"));
    }
  }

  @Nested
  class Batches extends BatchContract {
    Batches() {
      super(Backends.require("reference"));
    }
  }

  @Nested
  class Sequences extends SequenceContract {
    Sequences() {
      super(Backends.require("reference"));
    }
  }
}
