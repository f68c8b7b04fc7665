"""The plot of the hot workflow."""

from xml.etree import ElementTree

from examples.hot_workflow.plot import Sample, line, svg

SAMPLES = [Sample(0.0, 0, 0), Sample(1.0, 1, 40), Sample(2.0, 3, 20), Sample(3.0, 0, 0)]


def test_the_plot_is_a_picture_with_a_point_for_each_sample() -> None:
    root = ElementTree.fromstring(svg(SAMPLES, "hot"))
    (area,) = root.iter("{http://www.w3.org/2000/svg}polygon")
    (steps,) = root.iter("{http://www.w3.org/2000/svg}polyline")
    assert len(area.attrib["points"].split()) == len(SAMPLES) + 2
    assert len(steps.attrib["points"].split()) == 2 * len(SAMPLES) + 1
    assert ElementTree.fromstring(svg([], "nothing")) is not None


def test_a_line_shows_workers_and_jobs() -> None:
    assert line(SAMPLES[1], 40) == "   1.0 s  █        1 workers  " + "▒" * 40 + " 40 jobs"
    assert "▒" not in line(SAMPLES[0], 40)
