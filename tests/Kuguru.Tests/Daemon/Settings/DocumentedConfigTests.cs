using Kuguru.Tests.Clients;
using Kuguru.Tests.Daemon.Vici;
using Xunit;

namespace Kuguru.Tests.Daemon.Settings;

/// <summary>Every swanctl.conf in the documentation is one that the daemon takes.</summary>
public class DocumentedConfigTests
{
    public static TheoryData<string, int> Blocks
    {
        get
        {
            TheoryData<string, int> blocks = [];
            foreach (var page in Documentation.Pages)
            {
                for (var i = 0; i < Documentation.Configurations(page).Count; i++)
                    blocks.Add(page, i);
            }
            return blocks;
        }
    }

    [Theory]
    [MemberData(nameof(Blocks))]
    public async Task It_loads(string page, int index)
    {
        await using var daemon = new BareDaemon();
        DocumentedNode.WriteCredentials((name, text) => daemon.Write(name, text));
        await daemon.Load(Documentation.Configurations(page)[index]);
    }

    [Fact]
    public void None_is_overlooked() => Assert.Equal(["README.ja.md", "README.md", "docs/clients.md", "docs/interop.md"],
        Documentation.Pages.Where(page => Documentation.Configurations(page).Count > 0).Order(StringComparer.Ordinal));
}
