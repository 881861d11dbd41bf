package io.github.stillgate.core.kernel;

import io.github.stillgate.contract.AllocationContract;
import io.github.stillgate.contract.BatchContract;
import io.github.stillgate.contract.CellsContract;
import io.github.stillgate.contract.ConditionalDenseContract;
import io.github.stillgate.contract.ConditionalDenseReadsContract;
import io.github.stillgate.contract.FormatContract;
import io.github.stillgate.contract.GraphContract;
import io.github.stillgate.contract.GraphNamesContract;
import io.github.stillgate.contract.GraphOperationsContract;
import io.github.stillgate.contract.GraphPositionsContract;
import io.github.stillgate.contract.InitialStateContract;
import io.github.stillgate.contract.Int8Contract;
import io.github.stillgate.contract.Int8PlanContract;
import io.github.stillgate.contract.Int8ScalesContract;
import io.github.stillgate.contract.LifecycleContract;
import io.github.stillgate.contract.LifetimeContract;
import io.github.stillgate.contract.LimitsContract;
import io.github.stillgate.contract.PaddingContract;
import io.github.stillgate.contract.PanelsContract;
import io.github.stillgate.contract.RowsContract;
import io.github.stillgate.contract.SequenceContract;
import io.github.stillgate.contract.SessionContract;
import io.github.stillgate.contract.SkippingContract;
import io.github.stillgate.contract.ThreadsContract;
import io.github.stillgate.contract.VectorOpsContract;
import io.github.stillgate.contract.ZeroRowsContract;
import org.junit.jupiter.api.Nested;

class ReferenceBackendTest {
  @Nested
  class KernelRows extends RowsContract {
    KernelRows() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class KernelPanels extends PanelsContract {
    KernelPanels() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class KernelVectors extends VectorOpsContract {
    KernelVectors() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class KernelCells extends CellsContract {
    KernelCells() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Graphs extends GraphContract {
    Graphs() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class GraphNames extends GraphNamesContract {
    GraphNames() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class GraphOperations extends GraphOperationsContract {
    GraphOperations() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class GraphPositions extends GraphPositionsContract {
    GraphPositions() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Sessions extends SessionContract {
    Sessions() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Batches extends BatchContract {
    Batches() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Sequences extends SequenceContract {
    Sequences() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class InitialStates extends InitialStateContract {
    InitialStates() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Lifetimes extends LifetimeContract {
    Lifetimes() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Padding extends PaddingContract {
    Padding() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Skippings extends SkippingContract {
    Skippings() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class ConditionalDenseLayers extends ConditionalDenseContract {
    ConditionalDenseLayers() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class ConditionalDenseReads extends ConditionalDenseReadsContract {
    ConditionalDenseReads() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Lifecycles extends LifecycleContract {
    Lifecycles() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Formats extends FormatContract {
    Formats() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class ZeroRows extends ZeroRowsContract {
    ZeroRows() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Allocations extends AllocationContract {
    Allocations() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Int8Products extends Int8Contract {
    Int8Products() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Int8Plans extends Int8PlanContract {
    Int8Plans() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Limits extends LimitsContract {
    Limits() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class Int8Scales extends Int8ScalesContract {
    Int8Scales() {
      super(BackendRegistry.require("reference"));
    }
  }

  @Nested
  class SeveralThreads extends ThreadsContract {
    SeveralThreads() {
      super(BackendRegistry.require("reference"));
    }
  }
}
