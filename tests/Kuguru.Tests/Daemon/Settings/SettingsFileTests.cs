using CsCheck;
using Kuguru.Daemon.Settings;
using Xunit;

namespace Kuguru.Tests.Daemon.Settings;

public sealed class SettingsFileTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("settings-").FullName;
    readonly Complaints _complaints = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Sections_keys_and_comments()
    {
        var root = Parse("""
            # a comment
            a = b # and another
            one { x = 1   y=2
              w=0
              two { z = three words    here } }
            """);
        Assert.Equal(["a=b"], root.Values.Select(v => $"{v.Key}={v.Text}"));
        Assert.Equal(["x=1 y=2", "w=0"], root.Section("one")!.Values.Select(v => $"{v.Key}={v.Text}"));
        Assert.Equal("three words here", root.Section("one.two")!.Value("z")!.Text);
    }

    [Theory]
    [InlineData("a = b", "b")]
    [InlineData("a=b", "b")]
    [InlineData("a = b   c\td ", "b c d")]
    [InlineData("a = b#c", "b")]
    [InlineData("a = {:,=.", "{:,=.")]
    [InlineData("a = \"b  # } c\"", "b  # } c")]
    [InlineData("a = \"x\\ny\\tz\\\"q\\\\\"", "x\ny\tz\"q\\")]
    [InlineData("a = \"x\\\ny\"", "xy")]
    [InlineData("a = \"x\ny\"", "x\ny")]
    [InlineData("a = b\"c\" d", "b c d")]
    [InlineData("a = 'My \"home\" is my \"castle\"!'", "'My home is my castle !'")]
    [InlineData("a = \"\"", "")]
    [InlineData("a = b\r\n", "b")]
    public void A_value_is_what_strongSwan_reads(string text, string expected) => Assert.Equal(expected, Parse(text).Value("a")!.Text);

    [Fact]
    public void An_empty_value_clears_what_was_set() => Assert.Null(Parse("a = b\na =\n").Value("a"));

    [Fact]
    public void A_closing_brace_ends_a_value() => Assert.Equal("1", Parse("s { a = 1 }").Section("s")!.Value("a")!.Text);

    [Fact]
    public void Repeated_sections_are_merged_and_later_values_win_in_the_first_place()
    {
        var root = Parse("s { a = 1\n b = 2\n t { c = 3 } }\ns { a = 4\n t { d = 5\n } }");
        Assert.Equal(["a=4", "b=2"], root.Section("s")!.Values.Select(v => $"{v.Key}={v.Text}"));
        Assert.Equal(["c", "d"], root.Section("s.t")!.Values.Select(v => v.Key));
        Assert.Equal(4, root.Section("s")!.Value("a")!.At.Line);
    }

    [Fact]
    public void A_reference_inherits_values_and_sections_behind_the_own_ones()
    {
        var root = Parse("""
            connections {
              gw : defaults, more {
                version = 2
                children { net { mode = tunnel
                } }
              }
            }
            defaults { version = 1
              mobike = no
              children { net { esp_proposals = x
                mode = beet
                } other { }
              }
            }
            more { mobike = yes
              encap = yes }
            """);
        var gw = root.Section("connections.gw")!;
        Assert.Equal(["version=2", "mobike=no", "encap=yes"], gw.Values.Select(v => $"{v.Key}={v.Text}"));
        Assert.Equal(["net", "other"], gw.Section("children")!.Sections.Select(s => s.Name));
        Assert.Equal(["mode=tunnel", "esp_proposals=x"], gw.Section("children.net")!.Values.Select(v => $"{v.Key}={v.Text}"));
        Assert.Equal("connections.gw.children.net", gw.Section("children.net")!.Path);
    }

    [Fact]
    public void A_reference_follows_further_references_and_clearing_stops_inheritance()
    {
        var root = Parse("c { b : c.a { x =\n } a : d { y = 1\n } } d { x = 1\n z = 2\n }");
        Assert.Equal(["y=1", "z=2"], root.Section("c.b")!.Values.Select(v => $"{v.Key}={v.Text}"));
        Assert.Equal(["y=1", "x=1", "z=2"], root.Section("c.a")!.Values.Select(v => $"{v.Key}={v.Text}"));
    }

    [Fact]
    public void Includes_are_relative_to_their_file_sorted_and_in_their_section()
    {
        Write("main.conf", "s {\n include conf.d/*.conf\n last = main\n}\n");
        Write("conf.d/2.conf", "x = two\nlast = two\n");
        Write("conf.d/1.conf", "x = one\ny = one\ninclude \"../with space.conf\"\n");
        Write("conf.d/.hidden.conf", "x = hidden\n");
        Write("conf.d/readme", "not { read");
        Write("with space.conf", "z = space\n");
        var root = SettingsFile.Load(System.IO.Path.Combine(_folder, "main.conf"), _complaints);
        Assert.Empty(_complaints.All);
        Assert.Equal(["x=two", "y=one", "z=space", "last=main"], root!.Section("s")!.Values.Select(v => $"{v.Key}={v.Text}"));
        Assert.EndsWith("conf.d/2.conf:1", root.Section("s")!.Value("x")!.At.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_missing_include_is_told_and_a_pattern_that_matches_nothing_is_not()
    {
        Write("main.conf", "include no.conf\ninclude none/*.conf\n");
        Assert.NotNull(SettingsFile.Load(System.IO.Path.Combine(_folder, "main.conf"), _complaints));
        var told = Assert.Single(_complaints.All);
        Assert.False(told.IsError);
        Assert.Contains("no.conf", told.What, StringComparison.Ordinal);
    }

    [Fact]
    public void Files_that_include_each_other_end_with_an_error()
    {
        Write("a.conf", "include b.conf\n");
        Write("b.conf", "include a.conf\n");
        Assert.Null(SettingsFile.Load(System.IO.Path.Combine(_folder, "a.conf"), _complaints));
        Assert.Contains("include each other", _complaints.All[^1].What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("s {\n a = 1\n", "f:1: section 's' has no closing '}'")]
    [InlineData("a = 1\n}\n", "f:2: '}' closes nothing: there is one too many here or a '{' missing above")]
    [InlineData("\n\na b\n", "f:3: 'a' is neither a key (then '=' follows) nor a section (then '{' follows)")]
    [InlineData("a.b = c\n", "f:1: 'a.' has a dot, which a name in a file cannot have: write a { ... }")]
    [InlineData("s {\n \"x\" = y\n}", "f:2: '\"' where a section or key should begin")]
    [InlineData("a = \"b\nc", "f:1: the string that begins here has no closing '\"'")]
    [InlineData("s : {\n}", "f:1: the name of a section should follow ':' or ','")]
    [InlineData("s : nowhere {\n}", "f:1: section 's' refers to 'nowhere', but there is no such section")]
    [InlineData("a : b { } b : a { }", "f:1: section 'a' refers to 'b', which refers back to it")]
    [InlineData("include\t# nothing\n", "f:1: include needs a file name or pattern")]
    public void A_mistake_has_file_line_and_remedy(string text, string expected)
    {
        Assert.Null(SettingsFile.Parse(text, "f", _complaints));
        Assert.Equal(expected, _complaints.All[0].ToString());
    }

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        Assert.Null(SettingsFile.Load("/nonexistent/x.conf", _complaints));
        Assert.Contains("/nonexistent/x.conf", _complaints.All[0].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_not_UTF8_is_refused_rather_than_read_with_another_secret()
    {
        File.WriteAllBytes(System.IO.Path.Combine(_folder, "x.conf"), [.. "secret = "u8, 0xe9, (byte)'\n']);
        Assert.Null(SettingsFile.Load(System.IO.Path.Combine(_folder, "x.conf"), _complaints));
        Assert.Contains("UTF-8", _complaints.All[0].What, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("*.conf", "a.conf", true)]
    [InlineData("*.conf", "a.config", false)]
    [InlineData("a?c", "abc", true)]
    [InlineData("a?c", "ac", false)]
    [InlineData("[a-c]x", "bx", true)]
    [InlineData("[!a-c]x", "bx", false)]
    [InlineData("[]", "[]", true)]
    [InlineData("[z-a]", "m", false)]
    [InlineData("a*b*c", "axxbyyc", true)]
    public void Wildcards_are_the_shells(string pattern, string name, bool fits) => Assert.Equal(fits, Glob.Fits(pattern, name));

    [Fact]
    public void No_text_makes_the_parser_throw()
    {
        const string Text = "s : a.b, c { k = \"v\\n\" # c\n t { x = y }\n}\ninclude x*\na { b { } }\n c = \n";
        Gen.Select(Gen.Int[0, Text.Length - 1], Gen.Char[" \n\"{}=:,.#\\ax"], Gen.Int[0, Text.Length]).Sample((at, c, end) =>
            SettingsFile.Parse((Text[..at] + c + Text[(at + 1)..])[..end], "f", new()), iter: 20_000);
    }

    SettingsSection Parse(string text)
    {
        var root = SettingsFile.Parse(text, "f", _complaints);
        Assert.Empty(_complaints.All);
        return root!;
    }

    void Write(string name, string text)
    {
        var path = System.IO.Path.Combine(_folder, name);
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }
}
