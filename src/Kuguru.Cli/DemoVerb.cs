using System.CommandLine;

namespace Kuguru.Cli;

static class DemoVerb
{
    public static Command Command() => new("demo", "Show two clients behind one NAT reach a network through a gateway");
}
