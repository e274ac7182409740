using Kuguru.Lab;

namespace Kuguru.Stories;

public sealed class DemoTests
{
    [Fact]
    public void The_demo_without_root_tells_its_whole_story_and_the_same_one_each_time()
    {
        var (first, second) = (new StringWriter(), new StringWriter());
        Assert.True(Demo.Play(first), first.ToString());
        Assert.True(Demo.Play(second));
        Assert.Equal(first.ToString(), second.ToString());
        var story = first.ToString();
        foreach (var line in (string[])["simulated", "client1  established", "client2  established", "NAT: local", "NAT: remote", "seen as", "ping 10.1.0.10", "ping 10.3.0.2", "keepalives held the mapping", "All of it worked."])
            Assert.Contains(line, story, StringComparison.Ordinal);
    }
}
