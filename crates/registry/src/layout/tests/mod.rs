mod corpus; // the labelled upgrade pairs
