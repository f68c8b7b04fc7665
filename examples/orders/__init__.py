"""An order flow: check, charge and reserve at once, ship; money back when the shelf is empty."""
