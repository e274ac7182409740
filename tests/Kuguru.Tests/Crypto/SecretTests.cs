using Kuguru.Crypto;
using Xunit;

namespace Kuguru.Tests.Crypto;

public class SecretTests
{
    [Fact]
    public void It_prints_its_length_and_nothing_else()
    {
        using var secret = Secret.Copy([0xde, 0xad, 0xbe, 0xef]);
        Assert.Equal("Secret(4 bytes)", secret.ToString());
        Assert.Equal("Secret(4 bytes)", $"{secret}");
    }

    [Fact]
    public void It_is_equal_by_content()
    {
        using var a = Secret.Copy([1, 2, 3]);
        using var same = a.Copy();
        using var other = Secret.Copy([1, 2, 4]);
        using var longer = Secret.Copy([1, 2, 3, 0]);
        Assert.True(a.Equals(same));
        Assert.Equal(a.GetHashCode(), same.GetHashCode());
        Assert.False(a.Equals(other));
        Assert.False(a.Equals(longer));
        Assert.False(a.Equals(null));
    }

    [Fact]
    public void Dispose_wipes_it_and_later_use_is_a_bug()
    {
        var secret = Secret.Copy([1, 2, 3]);
        var seenBefore = secret.Span;
        secret.Dispose();
        Assert.Equal([0, 0, 0], seenBefore.ToArray());
        Assert.Throws<ObjectDisposedException>(() => secret.Span.Length);
    }

    [Fact]
    public void A_copy_outlives_its_original()
    {
        byte[] source = [1, 2, 3];
        var secret = Secret.Copy(source);
        source[0] = 9;
        using var copy = secret.Copy();
        secret.Dispose();
        Assert.Equal([1, 2, 3], copy.Span.ToArray());
    }
}
