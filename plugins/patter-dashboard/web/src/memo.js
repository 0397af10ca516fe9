// A component that is drawn again only when *same* says that its properties differ.

import { Component, createElement } from "preact";

export function memo(draw, same) {
  return class extends Component {
    shouldComponentUpdate(next) {
      return !same(this.props, next);
    }

    render(props) {
      return createElement(draw, props);
    }
  };
}
